"""What every recorder and every analysis promises, as test classes that those of other packages inherit."""
