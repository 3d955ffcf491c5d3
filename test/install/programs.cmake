# The quick starts of the README and the guides, built as a user builds them: against Tidewire's targets alone.
foreach(program download_coroutine download_callback)
  add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/../../examples/${program}.cpp)
  target_link_libraries(${program} PRIVATE tidewire::transfer)
endforeach()
foreach(program poll_coroutine poll_callback realtime_coroutine realtime_callback)
  add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/../../examples/${program}.cpp)
  target_link_libraries(${program} PRIVATE tidewire::realtime)
endforeach()
