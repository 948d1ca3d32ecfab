"""The autograder that an instructor uploads to Gradescope: how it is packed, set up and run."""
