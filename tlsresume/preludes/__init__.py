"""What is said in clear before TLS starts: STARTTLS preludes and proxy greetings. Pure."""
