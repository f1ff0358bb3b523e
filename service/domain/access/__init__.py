"""Access: who asks, what that caller may do, and what a change is noted as."""
