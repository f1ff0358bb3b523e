"""Pure rules about runs: what came before one."""
