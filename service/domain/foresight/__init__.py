"""What is to come: occurrences that a change gains and loses, coming changes of clocks, calendar feeds. Pure."""
