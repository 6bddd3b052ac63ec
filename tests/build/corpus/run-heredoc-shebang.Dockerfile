FROM base
RUN <<script
#!/usr/bin/env python3
print("one")
script
