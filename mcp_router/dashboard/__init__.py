"""The report as one page of HTML: a file without any network, or served live on this machine."""
