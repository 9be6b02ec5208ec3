"""A Django app for real servers, in one file."""

from darklaunch import WSGICaptureMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", USE_I18N=False)


def order(request, id):
    return JsonResponse({"id": id})


def user(request, name):
    return StreamingHttpResponse([b"a", name.encode()])


@csrf_exempt
def quote(request):
    return HttpResponse(request.body)


urlpatterns = [
    path("orders/<int:id>/", order),
    re_path(r"^users/(?P<name>\w+)/$", user),
    path("quote", quote),
]

application = WSGICaptureMiddleware(get_wsgi_application())
