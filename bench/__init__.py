"""The equipment behind `make bench`: pode_py beside its peers in one run. It is not packaged."""
