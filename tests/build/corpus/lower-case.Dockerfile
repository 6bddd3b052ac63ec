from scratch as base
env a=1
copy a /a
from base
label b=2
