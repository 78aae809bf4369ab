"""A small Django application in one file. It knows nothing of Lambda."""

import os
import signal

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    # For signing what this application does not sign.
    SECRET_KEY="example",
    DATA_UPLOAD_MAX_MEMORY_SIZE=20 * 1024 * 1024,
)


def page(request):
    return HttpResponse("<!doctype html><title>Django on lambridge</title><h1>Hello from Django</h1>")


def as_json(request):
    return JsonResponse({"path": request.path, "args": request.GET.getlist("x"), "host": request.get_host()})


def form(request):
    return JsonResponse(dict(request.POST.lists()))


def echo(request):
    """Gives the body back, byte for byte."""
    return HttpResponse(request.body, content_type=request.headers.get("content-type", "application/octet-stream"))


def download(request, size):
    return HttpResponse(bytes(i % 256 for i in range(size)), content_type="application/octet-stream")


def text(request, size):
    return HttpResponse("x" * size, content_type="text/plain")


def headers(request):
    # Django joins what is repeated; its own answers have a header once.
    return JsonResponse(
        [value for value in request.headers.get("x-many", "").split(",") if value],
        safe=False,
        headers={"x-repeated": "one, two"},
    )


def cookies(request):
    answer = JsonResponse(dict(request.COOKIES))
    answer.set_cookie("first", "1")
    answer.set_cookie("second", "a b", expires="Wed, 21 Oct 2037 07:28:00 GMT")
    return answer


def away(request):
    return HttpResponseRedirect("/json")


def nothing(request):
    return HttpResponse(status=204)


def crash(request):
    """Ends the whole application, as a fault in native code would."""
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        pass
    os._exit(1)


urlpatterns = [
    path("", page),
    path("json", as_json),
    path("form", form),
    path("echo", echo),
    path("download/<int:size>", download),
    path("text/<int:size>", text),
    path("headers", headers),
    path("cookies", cookies),
    path("redirect", away),
    path("nothing", nothing),
    path("crash", crash),
]

app = get_wsgi_application()
