"""What `make` runs on one machine: the virtual environment, the servers, the demo, the tests."""
