"""The one error that is meant for a user's eyes."""


class UserError(Exception):
    """A sentence that says what is wrong, where, and what to do; the command line prints it as it is."""
