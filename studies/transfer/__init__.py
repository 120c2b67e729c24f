"""Does a classifier travel to another hospital? Trainings in PyTorch on a GPU, whose networks `hemotk import` takes.

Three steps, of which the second needs a GPU, PyTorch and torchvision, but no TensorFlow:

    PYTHONPATH=studies python -m transfer.pack OUT rsna=rsna.json phe=phe.json ct_ich=ct_ich.json head_ct=folds/
    PYTHONPATH=studies python -m transfer.first OUT SCORES
    PYTHONPATH=studies python -m transfer.tables OUT SCORES

The split files are those of `hemotk data split`. `first` trains all networks of the study.
"""
