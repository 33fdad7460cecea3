"""The browser viewer: the same work as Slicer's module, without Slicer. A skin on ``app.session``, as ``panel`` is.

``server`` starts it, behind the ``gate``; ``application`` puts scene, session and page together; ``views`` is what is drawn,
``parts`` the sections of the page with what they do, ``files`` what comes in and goes out, ``web`` what the browser is given.
"""
