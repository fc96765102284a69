"""Authorizations without a redirect: the app asks on one device, the person answers on another, the app polls for the result.

Two protocols share the path: the device flow (RFC 8628), where the person brings the code that a screen shows, and client-initiated
backchannel authentication (OpenID CIBA Core), where the app names the person. What is asked, shown, agreed to and granted follows the rules
of the authorization endpoint; what is different is how the request and the answer travel.
"""
