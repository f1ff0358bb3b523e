"""What keeping this repository takes: releases, and checks of what it is locked to. `make` names each."""
