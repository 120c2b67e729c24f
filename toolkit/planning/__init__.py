"""What a folder of images can prove, and how long training takes, before anything is trained."""
