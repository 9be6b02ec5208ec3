"""What the commands that run the parts share: checks, log, options, the whole pipeline under one parent."""
