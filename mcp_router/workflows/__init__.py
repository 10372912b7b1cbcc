"""Forms of several steps and files of many tasks, where nothing done is paid for twice."""
