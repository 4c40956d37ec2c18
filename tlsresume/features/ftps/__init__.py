"""FTPS data connections, whole: the experiment, the checks, the words for people, the options."""
