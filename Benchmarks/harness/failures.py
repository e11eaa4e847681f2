"""What can go wrong, in the words that the report shows."""


class CannotRun(Exception):
    """A measurement, contender or placement that this machine cannot run; the text is the reason for the reader."""


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived: everything is to be ended."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"ended by signal {signal_number}")
        self.signal_number = signal_number
