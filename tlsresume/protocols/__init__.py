"""Application protocols: schemes and ports, STARTTLS scripts, greetings, farewells. Pure."""
