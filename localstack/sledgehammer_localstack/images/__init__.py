"""Images that the stack and its jobs stand on."""
