#include "file_headers.hpp"
#include "raw_client_test_support.hpp"

#include <tidewire/http/digest.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::header_of;
using test::raw_client;
using test::status_of;

struct file_service_test : testing::Test {
  file_service_test() {
    for (int i = 0; i < 10'000; ++i) content += static_cast<char>('a' + i * 7 % 26);
    fixture.write_file("data.bin", content);
    options.data_folder = options.files_folder = fixture.folder;
    options.messages_in = message_storage::memory;  // no file beside those that are served
    options.http.port = 0;
    options.render_metrics = [] { return std::string("# metrics\n"); };
    server = std::make_unique<backend>(fixture.make_context(), *disk, options);
    run = std::make_unique<test::running<backend>>(*server);
  }

  std::string ask(const std::string& target, const std::string& fields = "",
                  const std::string& method = "GET") {
    raw_client client(server->port());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return client.response(method == "HEAD");
  }

  test::server_fixture fixture;
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  backend_options options;
  std::string content;
  std::unique_ptr<backend> server;
  std::unique_ptr<test::running<backend>> run;
};

TEST_F(file_service_test, serves_a_file_with_its_validators) {
  auto r = ask("/files/data.bin");
  EXPECT_EQ(status_of(r), 200);
  EXPECT_EQ(body_of(r), content);
  EXPECT_TRUE(http::entity_tag::parse(header_of(r, "ETag")));
  EXPECT_EQ(header_of(r, "ETag").front(), '"');
  EXPECT_EQ(header_of(r, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header_of(r, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header_of(r, "Content-Disposition").substr(0, 10), "attachment");
  EXPECT_FALSE(header_of(r, "Last-Modified").empty());
  auto head = ask("/files/data.bin", "", "HEAD");
  EXPECT_EQ(status_of(head), 200);
  EXPECT_EQ(header_of(head, "Content-Length"), "10000");
  EXPECT_EQ(header_of(head, "ETag"), header_of(r, "ETag"));
  EXPECT_EQ(body_of(head), "");
}

TEST_F(file_service_test, serves_ranges) {
  auto one = ask("/files/data.bin", "Range: bytes=10-19\r\n");
  EXPECT_EQ(status_of(one), 206);
  EXPECT_EQ(body_of(one), content.substr(10, 10));
  EXPECT_EQ(header_of(one, "Content-Range"), "bytes 10-19/10000");
  auto suffix = ask("/files/data.bin", "Range: bytes=-5\r\n");
  EXPECT_EQ(body_of(suffix), content.substr(9995));
  auto outside = ask("/files/data.bin", "Range: bytes=10000-\r\n");
  EXPECT_EQ(status_of(outside), 416);
  EXPECT_EQ(header_of(outside, "Content-Range"), "bytes */10000");
  auto head = ask("/files/data.bin", "Range: bytes=0-1\r\n", "HEAD");
  EXPECT_EQ(status_of(head), 200);
}

TEST_F(file_service_test, serves_several_ranges_as_multipart) {
  auto r = ask("/files/data.bin", "Range: bytes=0-9,100-109\r\n");
  EXPECT_EQ(status_of(r), 206);
  auto type = header_of(r, "Content-Type");
  const std::string start = "multipart/byteranges; boundary=";
  ASSERT_TRUE(type.starts_with(start));
  auto b = type.substr(start.size());
  auto part = [&](const char* range, const std::string& bytes) {
    return "\r\n--" + b + "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes " +
           range + "/10000\r\n\r\n" + bytes;
  };
  EXPECT_EQ(body_of(r), part("0-9", content.substr(0, 10)) +
                            part("100-109", content.substr(100, 10)) + "\r\n--" + b + "--\r\n");
}

TEST_F(file_service_test, a_bomb_of_ranges_gives_the_file_once) {
  std::string field = "Range: bytes=0-";
  for (int i = 1; i < 1500; ++i) field += "," + std::to_string(i) + "-";
  auto r = ask("/files/data.bin", field + "\r\n");
  EXPECT_EQ(status_of(r), 200);
  EXPECT_EQ(body_of(r).size(), content.size());
}

TEST_F(file_service_test, honours_preconditions) {
  auto tag = header_of(ask("/files/data.bin"), "ETag");
  auto date = header_of(ask("/files/data.bin"), "Last-Modified");
  auto same = ask("/files/data.bin", "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(status_of(same), 304);
  EXPECT_EQ(header_of(same, "ETag"), tag);
  EXPECT_EQ(body_of(same), "");
  EXPECT_EQ(status_of(ask("/files/data.bin", "If-Modified-Since: " + date + "\r\n")), 304);
  EXPECT_EQ(status_of(ask("/files/data.bin", "If-Match: \"other\"\r\n")), 412);
  auto range = [&](const std::string& validator) {
    return status_of(ask("/files/data.bin", "Range: bytes=0-1\r\nIf-Range: " + validator + "\r\n"));
  };
  EXPECT_EQ(range(tag), 206);
  EXPECT_EQ(range(date), 206);
  EXPECT_EQ(range("W/" + tag), 200);
  EXPECT_EQ(range("\"other\""), 200);
  fixture.write_file("data.bin", "another", 2h);
  EXPECT_EQ(range(tag), 200);
  EXPECT_EQ(status_of(ask("/files/data.bin", "If-Match: " + tag + "\r\n")), 412);
}

TEST_F(file_service_test, a_file_that_may_still_change_has_no_validators) {
  fixture.write_file("young", "0123456789", 0s);
  auto r = ask("/files/young", "Range: bytes=0-1\r\n");
  EXPECT_EQ(status_of(r), 200);
  EXPECT_EQ(body_of(r), "0123456789");
  EXPECT_EQ(header_of(r, "ETag"), "");
  EXPECT_EQ(header_of(r, "Last-Modified"), "");
  EXPECT_EQ(header_of(r, "Accept-Ranges"), "none");
}

TEST_F(file_service_test, tells_the_digest_once_it_is_known) {
  http::sha256_hasher hasher;
  hasher.update(std::as_bytes(std::span(content)));
  auto expected = hasher.finish().field_value();
  std::string told;
  for (int i = 0; i < 2000 && told.empty(); ++i)
    told = header_of(ask("/files/data.bin", "Range: bytes=0-0\r\n"), "Repr-Digest");
  EXPECT_EQ(told, expected);
  fixture.write_file("data.bin", content + "x", 2h);
  auto now = header_of(ask("/files/data.bin"), "Repr-Digest");
  EXPECT_NE(now, expected);
}

TEST_F(file_service_test, names_never_leave_the_folder) {
  namespace fs = std::filesystem;
  fs::create_directory(fs::path(fixture.folder) / "sub");
  fixture.write_file("sub/inner", "secret");
  fixture.write_file(".hidden", "secret");
  auto outside = fixture.folder + "-outside";
  std::ofstream(outside) << "secret";
  fs::create_symlink(outside, fs::path(fixture.folder) / "link");
  fs::create_symlink("data.bin", fs::path(fixture.folder) / "inner-link");
  fs::create_symlink("sub", fs::path(fixture.folder) / "folder-link");
  ::mkfifo((fixture.folder + "/pipe").c_str(), 0600);
  for (auto target : {"/files/link",
                      "/files/inner-link",
                      "/files/folder-link/inner",
                      "/files/sub",
                      "/files/pipe",
                      "/files/sub/inner",
                      "/files/.hidden",
                      "/files/%2ehidden",
                      "/files/",
                      "/files/..",
                      "/files/../data.bin",
                      "/files/%2e%2e/data.bin",
                      "/files/%2e%2e%2fdata.bin",
                      "/files/..%5cdata.bin",
                      "/files//etc/passwd",
                      "/files/%2fetc%2fpasswd",
                      "/files/data.bin%00",
                      "/files/%00",
                      "/files/%c0%ae%c0%ae/x",
                      "/files/data.bin/",
                      "/files/./data.bin",
                      "//files/data.bin",
                      "/files/none"}) {
    auto r = ask(target);
    EXPECT_TRUE(status_of(r) == 400 || status_of(r) == 404) << target << " " << status_of(r);
    EXPECT_EQ(r.find("secret"), r.npos) << target;
  }
  EXPECT_EQ(status_of(ask("/files/" + std::string(300, 'a'))), 404);
  EXPECT_EQ(status_of(ask("/files/data%2Ebin")), 200);
  fs::remove(outside);
}

TEST_F(file_service_test, lists_what_it_serves) {
  fixture.write_file("b \"ä\".txt", "xy");
  fixture.write_file(".hidden", "secret");
  fixture.write_file("young", "1", 0s);
  std::filesystem::create_symlink("data.bin", fixture.folder + "/link");
  auto listed = boost::json::parse(body_of(ask("/files")));
  auto& files = listed.at("files").as_array();
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].at("name").as_string(), "b \"ä\".txt");
  EXPECT_EQ(files[1].at("name").as_string(), "data.bin");
  EXPECT_EQ(files[1].at("size").as_int64(), 10'000);
  EXPECT_EQ(files[1].at("etag").as_string(), header_of(ask("/files/data.bin"), "ETag"));
  EXPECT_TRUE(files[2].at("etag").is_null());
  EXPECT_FALSE(listed.at("truncated").as_bool());
}

// Large enough that the sockets' buffers can't hold it: some is still to be read when it changes.
constexpr std::size_t large = 64 * 1024 * 1024;

struct changing_file_test : file_service_test {
  // Reads the head and a little, lets `change` happen, and reads to the end.
  std::string read_around(const std::function<void()>& change) {
    fixture.write_file("large", std::string(large, 'a'));
    raw_client client(server->port(), 64 * 1024);
    client.send("GET /files/large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(client.receive());
    change();
    auto text = client.until_closed(3s);
    // A whole answer leaves the connection open, a broken one must not.
    left_open = client.still_open();
    EXPECT_EQ(header_of(text, "Content-Length"), std::to_string(large));
    return body_of(text);
  }
  std::string path() const { return fixture.folder + "/large"; }
  bool left_open = false;
};

TEST_F(changing_file_test, a_truncated_file_ends_the_connection_short) {
  auto body = read_around([&] { std::filesystem::resize_file(path(), 1000); });
  EXPECT_FALSE(left_open);
  EXPECT_LT(body.size(), large);
  EXPECT_EQ(body.find_first_not_of('a'), body.npos);
}

TEST_F(changing_file_test, an_overwritten_file_is_never_mixed) {
  auto body = read_around([&] {
    std::fstream f(path(), std::ios::in | std::ios::out | std::ios::binary);
    f << std::string(large, 'b');
  });
  EXPECT_FALSE(left_open);
  EXPECT_LT(body.size(), large);
  EXPECT_EQ(body.find('b'), body.npos);
}

TEST_F(changing_file_test, a_replaced_file_is_sent_to_its_end) {
  auto body = read_around([&] {
    fixture.write_file("next", std::string(large, 'b'));
    std::filesystem::rename(fixture.folder + "/next", path());
  });
  EXPECT_TRUE(left_open);
  EXPECT_EQ(body.size(), large);
  EXPECT_EQ(body.find('b'), body.npos);
}

TEST_F(file_service_test, tells_its_health) {
  EXPECT_EQ(status_of(ask("/healthz")), 200);
  EXPECT_EQ(status_of(ask("/readyz")), 200);
  EXPECT_EQ(body_of(ask("/metrics")), "# metrics\n");
  EXPECT_EQ(status_of(ask("/metrics", "", "POST")), 405);
}

TEST(file_headers, names_survive_the_disposition_field) {
  EXPECT_EQ(attachment("a.txt"), "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt");
  EXPECT_EQ(attachment("€ \"x\"%\\"),
            "attachment; filename=\"___ _x___\"; filename*=UTF-8''%E2%82%AC%20%22x%22%25%5C");
}

TEST(file_headers, the_tag_tells_generations_apart) {
  using namespace std::chrono;
  auto now = sys_days(2024y / 1 / 1) + 0ns;
  auto wall = time_point_cast<system_clock::duration>(now);
  file::status base{10, now - 1h, 7, true};
  auto tag = [&](file::status s) { return validators_of(s, wall, 2s).tag; };
  auto size = base, inode = base, time = base, young = base, future = base;
  size.size++;
  inode.inode++;
  time.modified += 1ns;
  young.modified = now - 1s;
  future.modified = now + 1h;
  ASSERT_TRUE(tag(base));
  for (auto& other : {size, inode, time, future}) {
    ASSERT_TRUE(tag(other));
    EXPECT_NE(tag(other)->opaque, tag(base)->opaque);
  }
  EXPECT_FALSE(tag(young));
  EXPECT_FALSE(validators_of(future, wall, 2s).modified);  // never later than Date
}

}  // namespace
}  // namespace tidewire::server
