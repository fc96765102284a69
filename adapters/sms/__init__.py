"""Text messages: an HTTP gateway, or an outbox on the console for a demonstration."""
