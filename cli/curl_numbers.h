/* The numbers of libcurl's interface that cli/fetch uses. They are part of its ABI, which has had one soname since
 * 2006, and so need not be compiled in from its header: the library is looked for only when a URL is given. A test
 * compares them with <curl/curl.h> where that is installed. */
#ifndef HEAPTAP_CLI_CURL_NUMBERS_H
#define HEAPTAP_CLI_CURL_NUMBERS_H

enum {
    CURL_GLOBAL_DEFAULT_FLAGS = 3,

    CURL_OPTION_WRITE_DATA = 10001,
    CURL_OPTION_URL = 10002,
    CURL_OPTION_PROXY = 10004,
    CURL_OPTION_ERROR_BUFFER = 10010,
    CURL_OPTION_USER_AGENT = 10018,
    CURL_OPTION_XFERINFO_DATA = 10057,
    CURL_OPTION_UNIX_SOCKET_PATH = 10231,
    CURL_OPTION_WRITE_FUNCTION = 20011,
    CURL_OPTION_XFERINFO_FUNCTION = 20219,
    CURL_OPTION_NO_PROGRESS = 43,
    CURL_OPTION_FAIL_ON_ERROR = 45,
    CURL_OPTION_FOLLOW_LOCATION = 52,
    CURL_OPTION_MAX_REDIRECTS = 68,
    CURL_OPTION_NO_SIGNAL = 99,
    CURL_OPTION_TIMEOUT_MS = 155,
    CURL_OPTION_CONNECT_TIMEOUT_MS = 156,
    CURL_OPTION_PROTOCOLS = 181,
    CURL_OPTION_REDIRECT_PROTOCOLS = 182,

    CURL_PROTOCOL_HTTP = 1,
    CURL_PROTOCOL_HTTPS = 2,

    CURL_INFO_RESPONSE_CODE = 0x200002,

    CURL_CODE_HTTP_ERROR = 22, /* a status of 400 or more, with CURL_OPTION_FAIL_ON_ERROR */

    CURL_ERROR_TEXT_SIZE = 256,
};

#endif
