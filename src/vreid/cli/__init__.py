"""The command line: every rule of the workflow is one `vreid` sub-command, usable by hand."""
