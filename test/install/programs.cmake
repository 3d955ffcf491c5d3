# The programs of both consumers. They see Tidewire only as a user does: through its targets.
foreach(program coroutine callbacks)
  add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.cpp)
  target_link_libraries(${program} PRIVATE tidewire::core)
endforeach()
