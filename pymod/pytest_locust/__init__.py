"""The pytest plugin that makes a test file a locustfile, and the other way round."""
