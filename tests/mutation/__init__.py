"""Mutation testing, by cosmic-ray: what the tests would not notice if it were broken."""
