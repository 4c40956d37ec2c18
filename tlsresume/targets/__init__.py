"""What the user names: targets, endpoints, and the proxies on the way to them. Pure."""
