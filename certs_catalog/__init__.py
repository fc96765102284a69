"""The license catalogue and the graded lookup:

A resource server that is told who calls and never logs anyone in.
"""
