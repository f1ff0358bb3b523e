"""The harness of the tests: servers, installations, clients, stand-ins and waits."""
