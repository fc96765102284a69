"""Two sample service apps, as a department would write them: relying parties of the product and nothing
more.
"""
