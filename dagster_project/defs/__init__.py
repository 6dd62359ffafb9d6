"""The parts of the code location, one module per arrow of the flow."""
