"""Redis as the protocol needs it: clients, script calls, consumers, polling, presence."""
