FROM scratch
ENV one two three
ENV path   /a:/b
ENV with a=b
