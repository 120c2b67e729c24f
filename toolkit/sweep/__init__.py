"""What a sweep over pruning budgets shows: points, Pareto fronts, the choice, table and plot."""
