# A page of cli/assets as a C array, without a tool that Debian's minimum lacks: cmake -DTEMPLATE=x.html -DOUT=x.c -P page.cmake
#
#   {{file NAME}}    the text of that file, which lies beside the template
#   {{hashes js}}    what a Content-Security-Policy calls the scripts that were put in: 'sha256-...' of each
#   {{hashes css}}   the same of the style sheets
#
# All else in {{ }} is left for the program to fill in. The array is called page_NAME and ends with a 0.
get_filename_component(name ${TEMPLATE} NAME_WE)
get_filename_component(folder ${TEMPLATE} DIRECTORY)

# 32 bytes in hexadecimal -> base64: three bytes are four characters; the last two bytes are padded.
function(hex_to_base64 hex result)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  set(text)
  foreach(at RANGE 0 60 6)
    string(SUBSTRING "${hex}00" ${at} 6 bytes)
    foreach(shift 18 12 6 0)
      math(EXPR index "0x${bytes} >> ${shift} & 63")
      string(SUBSTRING ${alphabet} ${index} 1 letter)
      string(APPEND text ${letter})
    endforeach()
  endforeach()
  string(SUBSTRING ${text} 0 43 text)
  set(${result} "${text}=" PARENT_SCOPE)
endfunction()

file(READ ${TEMPLATE} page)
string(REGEX MATCHALL "{{file [a-z_]+[.](js|css)}}" parts "${page}")
foreach(part IN LISTS parts)
  string(REGEX REPLACE "{{file ([a-z_]+[.](js|css))}}" "\\1" file ${part})
  get_filename_component(kind ${file} LAST_EXT)
  file(SHA256 ${folder}/${file} hex)
  hex_to_base64(${hex} hash)
  string(APPEND hashes${kind} " 'sha256-${hash}'")
  file(READ ${folder}/${file} text)
  if(text MATCHES "</(script|style)|<!--|{{|\r")
    message(FATAL_ERROR "'${file}' holds what would end or change the page around it")
  endif()
  string(REPLACE "${part}" "${text}" page "${page}")
endforeach()
foreach(kind js css)
  string(STRIP "${hashes.${kind}}" hashes)
  string(REPLACE "{{hashes ${kind}}}" "${hashes}" page "${page}")
endforeach()

file(WRITE ${OUT}.html "${page}")
file(READ ${OUT}.html bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include \"cli/page.h\"\n\nconst char page_${name}[] = {\n${bytes}0};\n")
