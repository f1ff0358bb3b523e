"""The birthday bot: letters to people on their birthday, or one digest for the operator."""
