"""Sweeps over pruning budgets: points, Pareto fronts, the choice, table and plot."""
