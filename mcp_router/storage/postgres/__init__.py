"""The store on PostgreSQL, for teams; imported only where a database has such an address."""
