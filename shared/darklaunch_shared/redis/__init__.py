"""Redis as the protocol needs it: clients, scripts, the consumer recipe, presence."""
