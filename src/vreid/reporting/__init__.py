"""Tables, figures and everything else a reviewer opens."""
