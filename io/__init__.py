"""Files to columns and back: growing text files, images and result tables. Knows no physics."""
