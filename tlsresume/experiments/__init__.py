"""What to try, one file per question; async functions that ask a Lab."""
