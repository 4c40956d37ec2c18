"""What a session is: its bytes, its fields, its file. Pure."""
