"""Deaths of each part of an installation: who is told what, after how many seconds."""
