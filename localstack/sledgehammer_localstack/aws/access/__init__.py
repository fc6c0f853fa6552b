"""Who may do what: IAM's decision on a request, with resource ARNs and conditions, which moto does not make."""
