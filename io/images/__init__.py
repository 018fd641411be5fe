"""What `io/image.py` is made of: matrices in text, and pictures of cameras."""
