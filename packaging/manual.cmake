# Manual pages and completions, which the tool makes of its own command line: which pages there are
# is known only once it has run, so that the folder is installed and not a list.
set(manual ${CMAKE_CURRENT_BINARY_DIR}/manual)
set(made ${manual}/made)
add_custom_command(OUTPUT ${made}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}/man1
  COMMAND tidewire_cli man --output-dir ${manual}/man1
  COMMAND tidewire_cli completion bash > ${manual}/tidewire
  COMMAND tidewire_cli completion zsh > ${manual}/_tidewire
  COMMAND tidewire_cli completion fish > ${manual}/tidewire.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${made}
  DEPENDS tidewire_cli VERBATIM COMMENT "Manual pages and completions")
add_custom_target(tidewire_manual ALL DEPENDS ${made})

install(DIRECTORY ${manual}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT tool)
install(FILES ${manual}/tidewire
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tool)
# Debian's zsh looks into site-functions below /usr/local alone, and into vendor-completions below /usr.
foreach(folder site-functions vendor-completions)
  install(FILES ${manual}/_tidewire DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${folder} COMPONENT tool)
endforeach()
install(FILES ${manual}/tidewire.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tool)
