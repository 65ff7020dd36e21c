# Writes HEADER with a digest over SOURCES (absolute paths below ROOT): names and contents, in the
# order of the names. Called by the build as a script.
set(all "")
list(SORT SOURCES)
foreach(source ${SOURCES})
	file(SHA256 ${source} digest)
	file(RELATIVE_PATH name ${ROOT} ${source})
	string(APPEND all "${digest} ${name}\n")
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING ${digest} 0 16 digest)
file(WRITE ${HEADER} "#define MODEL_DIGEST \"${digest}\"\n")
